declare module 'js-hcl-parser' {
  const hcl: {
    /** Returns JSON, or a message if the text is not HCL. */
    parse(text: string): string
  }
  export default hcl
}
