/** So many of the workers that died with a run are remembered by name. */
export const REMEMBERED_DEATHS = 5;
/** From so many deaths on a run is taken to be what its workers died of. */
export const DEATHS_OF_A_SUSPECT = 3;
