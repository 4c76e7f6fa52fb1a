// @ts-check
export default async function globalTeardown() {
  await globalThis.continuumPostgres?.stop();
  globalThis.continuumPostgres = undefined;
}
