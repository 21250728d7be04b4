/** The host's programs that end-to-end tests need, and what this machine lacks of them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Each program, with the Debian packages that have it, the preferred one first. */
export const programs = {
  kubectl: ['kubectl', 'kubernetes-client'],
  nft: ['nftables'],
  ip: ['iproute2'],
  'redis-server': ['redis-server'],
  runc: ['runc'],
  perl: ['perl'],
  curl: ['curl'],
  openssl: ['openssl'],
} as const

export type Program = keyof typeof programs

const folders = () => new Set([...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'])

export const isInstalled = (program: string): boolean =>
  [...folders()].some((folder) => folder !== '' && existsSync(join(folder, program)))

/** What is missing of `needs`, to be named where a test is skipped; empty where nothing is. */
export function lacking(...needs: readonly ('root' | Program)[]): string {
  return needs.filter((need) => (need === 'root' ? process.getuid?.() !== 0 : !isInstalled(need))).join(', ')
}
