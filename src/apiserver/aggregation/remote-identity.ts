/** Who asks, told to an extension API server in headers that it believes because of who passes them on. */
import { REMOTE_EXTRA, REMOTE_GROUP, REMOTE_UID, REMOTE_USER } from '../authn/front-proxy.ts'
import type { User } from '../user.ts'

/** Names and values in turn. */
export function identityHeaders({ name, uid, groups, extra = {} }: User): string[] {
  return [
    REMOTE_USER,
    encodeValue(name),
    ...(uid ? [REMOTE_UID, encodeValue(uid)] : []),
    ...groups.flatMap((group) => [REMOTE_GROUP, encodeValue(group)]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.flatMap((value) => [REMOTE_EXTRA + escapeKey(key), encodeValue(value)]),
    ),
  ]
}

/** Characters of a header's name stay, the others (and the escape itself) are escaped as in URLs. */
const escapeKey = (key: string): string =>
  [...Buffer.from(key)]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      const isPlain = /[A-Za-z0-9!#$&'*+.^_`|~-]/.test(char)
      return isPlain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')

/** Headers are bytes: what is beyond ASCII goes as the bytes of UTF-8. Line breaks never pass. */
const encodeValue = (value: string): string => Buffer.from(value.replace(/[\r\n\0]/g, ' ')).toString('latin1')
