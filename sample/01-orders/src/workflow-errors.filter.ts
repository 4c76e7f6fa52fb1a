import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { InvalidInputError, WorkflowNotFoundError, WorkflowNotRunningError } from 'nestjs-continuum';

/** Nest answers these errors with their status by itself, and logs each: but what was asked for in vain is no fault. */
@Catch(InvalidInputError, WorkflowNotFoundError, WorkflowNotRunningError)
export class WorkflowErrorsFilter extends BaseExceptionFilter {
  override catch(
    { status, message }: InvalidInputError | WorkflowNotFoundError | WorkflowNotRunningError,
    host: ArgumentsHost,
  ): void {
    // oxlint-disable-next-line promise/valid-params, promise/no-promise-in-callback -- a filter's, not a promise's
    super.catch(new HttpException({ statusCode: status, message }, status), host);
  }
}
