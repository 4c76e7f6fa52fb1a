import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Activity, Compensate } from 'nestjs-continuum';
import { Repository } from 'typeorm';
import { untilItWorks } from '../orders/retry.js';
import { Approval } from './approval.entity.js';

@Injectable()
export class ApprovalActivities {
  constructor(@InjectRepository(Approval) private readonly approvals: Repository<Approval>) {}

  /** Puts the order on the approvers' list. It may be there already: approved before anybody was asked. */
  @Activity(untilItWorks)
  async request(orderId: string): Promise<void> {
    await this.approvals.createQueryBuilder().insert().values({ orderId }).orIgnore().execute();
  }

  @Compensate('request', untilItWorks)
  async withdraw(_requested: void, orderId: string): Promise<void> {
    await this.approvals.update({ orderId }, { withdrawnAt: new Date() });
  }
}
