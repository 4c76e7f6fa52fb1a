/** So many of the workers that died with a run are remembered by name. */
export const REMEMBERED_DEATHS = 5;
