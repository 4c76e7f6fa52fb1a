import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { WorkflowNotFoundError, WorkflowNotRunningError } from 'nestjs-continuum';

@Catch(WorkflowNotFoundError, WorkflowNotRunningError)
export class WorkflowErrorsFilter extends BaseExceptionFilter {
  override catch(
    { status, message }: WorkflowNotFoundError | WorkflowNotRunningError,
    host: ArgumentsHost,
  ): void {
    // oxlint-disable-next-line promise/valid-params, promise/no-promise-in-callback -- a filter's, not a promise's
    super.catch(new HttpException({ statusCode: status, message }, status), host);
  }
}
