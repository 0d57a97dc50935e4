/**
 * The direction of dependencies, from what imports to what is imported:
 * bin -> src/main -> commands -> src/cli, src/<capability> -> src/session -> src/core
 * Capabilities do not import each other: they meet only in a command.
 */
const capabilities = 'lock|exec|replicate|event|watch|discover|service|kv|doctor|template'

module.exports = {
  forbidden: [
    {name: 'no-cycles', severity: 'error', from: {}, to: {circular: true}},
    {
      name: 'core-knows-nobody',
      severity: 'error',
      from: {path: '^src/core/'},
      to: {path: '^(src/(?!core/)|commands/|test/|bin/)'},
    },
    {
      name: 'session-stands-on-core',
      severity: 'error',
      from: {path: '^src/session/'},
      to: {path: '^(src/(?!core/|session/)|commands/|test/)'},
    },
    {
      name: 'capabilities-are-islands',
      severity: 'error',
      from: {path: `^src/(${capabilities})/`},
      to: {
        path: `^(src/(${capabilities})/|src/(main|cli|embedded|tour|library|selftest|status)/|commands/|test/)`,
        pathNot: '^src/$1/',
      },
    },
    {
      name: 'selftest-and-status-stand-on-capabilities',
      severity: 'error',
      from: {path: '^src/(selftest|status)/'},
      to: {path: '^(src/(main|cli|embedded|tour|library)/|commands/|test/)'},
    },
    {
      name: 'process-and-config-stand-on-core',
      severity: 'error',
      from: {path: '^src/(process|config)/'},
      to: {path: '^(src/(?!core/|process/|config/)|commands/|test/)'},
    },
    {
      name: 'gotemplate-stands-alone',
      severity: 'error',
      from: {path: '^src/gotemplate/'},
      to: {path: '^(src/(?!gotemplate/)|commands/|test/)'},
    },
    {
      name: 'serve-stands-on-core',
      severity: 'error',
      from: {path: '^src/serve/'},
      to: {path: '^(src/(?!core/|serve/)|commands/|test/)'},
    },
    {
      name: 'embedded-stands-alone',
      severity: 'error',
      from: {path: '^src/embedded/'},
      to: {path: '^(src/(?!core/|embedded/)|commands/|test/)'},
    },
    {
      name: 'tour-stands-on-core-and-embedded',
      severity: 'error',
      from: {path: '^src/tour/'},
      to: {path: '^(src/(?!core/|embedded/|tour/)|commands/|test/)'},
    },
    {
      name: 'embedded-go-stands-alone',
      severity: 'error',
      from: {path: '^src/embedded/go/'},
      to: {path: '^src/embedded/(?!go/)'},
    },
    {
      name: 'embedded-store-stands-on-go',
      severity: 'error',
      from: {path: '^src/embedded/store/'},
      to: {path: '^src/embedded/(?!store/|go/|uuid\\.ts$)'},
    },
    {
      name: 'embedded-state-knows-no-http',
      severity: 'error',
      from: {path: '^src/embedded/', pathNot: '^src/embedded/(http/|endpoints/|index\\.ts$)'},
      to: {path: '^src/embedded/(http|endpoints)/'},
    },
    {
      name: 'embedded-http-knows-no-endpoints',
      severity: 'error',
      from: {path: '^src/embedded/http/'},
      to: {path: '^src/embedded/(endpoints|dns|snapshot)/'},
    },
    {
      name: 'cli-is-below-commands',
      severity: 'error',
      from: {path: '^src/cli/'},
      to: {path: '^(src/main/|commands/|test/)'},
    },
    {
      name: 'nobody-imports-the-command-line',
      severity: 'error',
      from: {path: '^(src/(?!main/)|commands/)'},
      to: {path: '^src/main/'},
    },
    {
      name: 'only-the-table-imports-commands',
      severity: 'error',
      from: {path: '^(src|test)/', pathNot: '^(src/main/command-table\\.ts|commands/)'},
      to: {path: '^commands/'},
    },
    {
      name: 'oclif-stays-in-the-command-line',
      severity: 'error',
      from: {path: '^src/', pathNot: '^src/(main|cli)/'},
      to: {path: 'node_modules/@oclif/'},
    },
    {
      name: 'undici-behind-its-transport',
      severity: 'error',
      from: {path: '^(src|commands)/', pathNot: '^src/core/http/undici-lanes\\.ts$'},
      to: {path: 'node_modules/undici/'},
    },
    {
      name: 'execa-behind-process',
      severity: 'error',
      from: {path: '^(src|commands)/', pathNot: '^src/process/'},
      to: {path: 'node_modules/execa/'},
    },
    {
      name: 'pino-in-the-command-line',
      severity: 'error',
      from: {path: '^src/', pathNot: '^src/(main|cli)/'},
      to: {path: 'node_modules/pino/'},
    },
    {
      name: 'examples-use-the-public-library',
      severity: 'error',
      from: {path: '^examples/'},
      to: {path: '^(src|commands|test|bin)/', pathNot: '^src/index\\.ts$'},
    },
    {
      name: 'library-only-exports',
      severity: 'error',
      from: {path: '^(src|commands)/', pathNot: '^src/(index\\.ts$|library/)'},
      to: {path: '^src/library/'},
    },
    {
      name: 'no-tests-in-production',
      severity: 'error',
      from: {path: '^(src|commands)/'},
      to: {path: '^test/'},
    },
  ],
  options: {
    doNotFollow: {path: 'node_modules'},
    tsPreCompilationDeps: true,
    tsConfig: {fileName: 'tsconfig.json'},
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
