/** Newest version of manifests that this code writes and reads. */
export const newestVersion = 2

/** Oldest version that it writes and reads: initiators and responders may be one version apart, either way. */
export const oldestVersion = 1

/** The first version whose answers are signed, below a prefix of their node. */
export const signedVersion = 2

/** The first version that has dry runs. */
export const checkedVersion = 2
