/** Replaces each character that is not allowed in a Prometheus label name by an underscore, as Prometheus does. */
export const labelName = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_]/gu, '_')
