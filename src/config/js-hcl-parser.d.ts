declare module 'js-hcl-parser' {
  export function parse(text: string): string
  const module: {readonly parse: (text: string) => string}
  export default module
}
