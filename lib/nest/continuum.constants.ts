/** Keys of metadata that decorators leave. Fixed texts: two copies of this package in one process read each other's. */
export const WORKFLOW_SAFE_METADATA = 'nestjs-continuum:workflow-safe';
/** Stands for the constructor where metadata is kept by member. */
export const SAFE_PARAMETERS = 'constructor';
export const WORKFLOW_SCOPE_METADATA = 'nestjs-continuum:workflow-scope';
export const ACTIVITY_MARKS = 'nestjs-continuum:activities';
export const COMPENSATION_MARKS = 'nestjs-continuum:compensations';

/** Nest's own keys, which it exports from no public path. */
export const NEST_METADATA = {
  parameterTypes: 'design:paramtypes',
  injectedParameters: 'self:paramtypes',
  optionalParameters: 'optional:paramtypes',
  injectedProperties: 'self:properties_metadata',
  optionalProperties: 'optional:properties_metadata',
  scope: 'scope:options',
  guards: '__guards__',
  filters: '__exceptionFilters__',
  pipes: '__pipes__',
  interceptors: '__interceptors__',
} as const;
