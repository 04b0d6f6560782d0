/** Types of build-worker.mjs, which must stay plain JavaScript. */

/** Builds a worker for one platform into one file of the folder `out`. */
export const buildWorker: (options: { readonly root: string; readonly platform: string; readonly out: string }) => Promise<{ readonly file: string; readonly sha256: string; readonly sources: readonly string[] }>
