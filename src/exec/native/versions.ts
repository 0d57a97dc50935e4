/** Newest version of manifests that this code writes and reads. */
export const newestVersion = 2

/**
 * Oldest version of manifests that this code writes and reads. An initiator and a responder may be one version apart,
 * in either direction.
 */
export const oldestVersion = 1

/** First version in which answers are signed and all answers of a node have a common prefix. */
export const signedVersion = 2

/** First version with dry runs. */
export const checkedVersion = 2
