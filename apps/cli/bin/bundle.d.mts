/** Types of bundle.mjs, which must stay plain JavaScript. */

/** Path of the bundle of the present sources under `root`; builds it when a source changed. */
export const ensureBundle: (root: string) => Promise<string>
