/** Of a rejection that the code may pick up later, or never: a durable call's own promise is no floating one (F6). */
export const ignore = (): void => undefined;
