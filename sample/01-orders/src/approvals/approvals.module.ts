import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApprovalActivities } from './approval.activities.js';
import { Approval } from './approval.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Approval])],
  providers: [ApprovalActivities],
  exports: [ApprovalActivities, TypeOrmModule],
})
export class ApprovalsModule {}
