declare module 'virtual:command-table' {
  const table: Readonly<Record<string, () => Promise<{readonly default: never}>>>
  export default table
}
