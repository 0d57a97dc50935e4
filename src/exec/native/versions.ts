/** Newest version of manifests that this code writes and reads. */
export const newestVersion = 2

/**
 * Oldest version of manifests that this code writes and reads. Initiators and responders may differ by one version, in
 * either direction.
 */
export const oldestVersion = 1

/** First version in which answers are signed, and in which all answers of a node have a common prefix. */
export const signedVersion = 2

/** First version with dry runs. */
export const checkedVersion = 2
