/** Mounts of this host: made and unmade with util-linux, looked up in `/proc/self/mountinfo`. */
import { readFile } from 'node:fs/promises'
import { exec } from '#base/exec.ts'

/** Runs a host program; throws when it fails. */
export type RunProgram = (command: readonly string[]) => Promise<unknown>

export class MountTable {
  readonly #run: RunProgram

  constructor(run: RunProgram = (command) => exec(command)) {
    this.#run = run
  }

  async mountTmpfs(dir: string, options: readonly string[]): Promise<void> {
    await this.#run(['mount', '-t', 'tmpfs', '-o', options.join(','), 'tmpfs', dir])
  }

  /** `source` is not resolved by mount(8), so a `/proc/<pid>/fd/<n>` stays what it is. */
  async bind(source: string, target: string): Promise<void> {
    await this.#run(['mount', '--no-canonicalize', '--bind', source, target])
  }

  /** Lazily where it is busy: what still uses it keeps it, nobody else sees it. */
  async unmount(path: string): Promise<void> {
    try {
      await this.#run(['umount', path])
    } catch {
      await this.#run(['umount', '--lazy', path])
    }
  }

  /** Mount points at `root` or below it, deepest first. */
  async below(root: string): Promise<string[]> {
    const points = parseMountPoints(await readFile('/proc/self/mountinfo', 'utf8'))
    const inside = points.filter((p) => p === root || p.startsWith(`${root}/`))
    return inside.sort((a, b) => b.length - a.length)
  }

  async isMountPoint(path: string): Promise<boolean> {
    return (await this.below(path)).includes(path)
  }
}

/** The fifth field, with the kernel's octal escapes undone. */
export function parseMountPoints(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path !== '')
    .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
}
