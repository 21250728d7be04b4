/** Rules for file paths in volumes. */
import type { Check } from './check.ts'

const hasBacksteps = (path: string) => path.split('/').includes('..')

export const noBacksteps: Check = (value: string, at, to) => {
  if (hasBacksteps(value)) to.invalid(at, value, "must not contain '..'")
}

/** A path below the place where it is used. */
export const descendingPath: Check = (value: string, at, to) => {
  if (value.startsWith('/')) to.invalid(at, value, 'must be a relative path')
  noBacksteps(value, at, to)
}

/** As `descendingPath`, without names that the kubelet keeps for itself. */
export const localPath: Check = (value: string, at, to) => {
  descendingPath(value, at, to)
  if (value.startsWith('..') && !value.startsWith('../')) to.invalid(at, value, "must not start with '..'")
}

export const absolutePath: Check = (value: string, at, to) => {
  if (!value.startsWith('/')) to.invalid(at, value, 'must be an absolute path')
}

export const fileMode: Check = (value: number, at, to) => {
  if (value < 0 || value > 0o777) {
    to.invalid(at, value, 'must be a number between 0 and 0777 (octal), both inclusive')
  }
}
