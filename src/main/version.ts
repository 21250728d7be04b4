/** What this build is, for `/version`, `rostrum --version` and a node's `kubeletVersion`. */
import { existsSync, readFileSync } from 'node:fs'
import type { VersionInfo } from '#apiserver/http/system-paths.ts'

/** The release of Kubernetes whose API is served. */
const KUBERNETES_MINOR = 36

/** From dist/ the package's root is one folder up, from src/main/ two. */
const packageFile = () =>
  [new URL('../package.json', import.meta.url), new URL('../../package.json', import.meta.url)].find((url) =>
    existsSync(url),
  )!

/** The version of this package. */
export const packageVersion: string = (JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string }).version

export const kubernetesVersion: VersionInfo = {
  major: '1',
  minor: String(KUBERNETES_MINOR),
  emulationMajor: '1',
  emulationMinor: String(KUBERNETES_MINOR),
  minCompatibilityMajor: '1',
  minCompatibilityMinor: String(KUBERNETES_MINOR - 1),
  gitVersion: `v1.${KUBERNETES_MINOR}.2+rostrum-${packageVersion}`,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node${process.versions.node}`,
  compiler: 'v8',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}
