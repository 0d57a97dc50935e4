declare module 'virtual:command-table' {
  const table: Readonly<Record<string, () => Promise<{readonly default: never}>>>
  export const commandNames: readonly string[]
  export default table
}
