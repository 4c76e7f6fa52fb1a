import { Module } from '@nestjs/common';
import { NotificationActivities } from './notification.activities.js';

@Module({ providers: [NotificationActivities], exports: [NotificationActivities] })
export class NotificationsModule {}
