/**
 * Resolves the user a container runs as against its own /etc/passwd and /etc/group: names, primary and supplementary groups.
 * The built-in executor does the same inside the container (`resolveUser` of init/supervisor.pl); both must agree.
 */
import type { Identity } from './container-spec.ts'
import { InvalidConfigError } from './container-spec.ts'

export interface ResolvedIdentity {
  uid: number
  gid: number
  /** The primary group first. */
  groups: number[]
  home: string
}

/** `read` gives the text of a file of the container, empty when it is not there. */
export function resolveIdentity(
  { user, group, mergeGroups, extraGroups }: Identity,
  read: (path: string) => string,
): ResolvedIdentity {
  const [name = '', imageGroup = ''] = user.split(':', 2)
  const isNumber = (text: string) => /^\d+$/.test(text)
  const passwd = read('/etc/passwd')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
  const entry = passwd.find((fields) => (isNumber(name) ? fields[2] === name : fields[0] === name))
  if (!entry && !isNumber(name))
    throw new InvalidConfigError(`unable to find user ${name}: no matching entries in passwd file`)
  const uid = Number(entry?.[2] ?? name)
  let gid = Number(entry?.[3] ?? 0)
  const groupFile = read('/etc/group')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 3)
  const wanted = group || imageGroup
  if (wanted) {
    const found = isNumber(wanted) ? wanted : groupFile.find((fields) => fields[0] === wanted)?.[2]
    if (found === undefined)
      throw new InvalidConfigError(`unable to find group ${wanted}: no matching entries in group file`)
    gid = Number(found)
  }
  const login = entry?.[0]
  const memberships =
    mergeGroups && login
      ? groupFile.filter((fields) => fields[3]?.split(',').includes(login)).map((fields) => Number(fields[2]))
      : []
  return { uid, gid, groups: [...new Set([gid, ...extraGroups, ...memberships])], home: entry?.[5] ?? '' }
}
