/** Replaces what a label name of Prometheus may not hold, as Prometheus does: each such character by one underscore. */
export const labelName = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_]/gu, '_')
