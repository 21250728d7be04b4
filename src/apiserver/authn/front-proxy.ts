/**
 * A proxy that has authenticated somebody itself, and says whom in headers. It is believed by its certificate: an authority
 * of its own, and one of the allowed names. Upstream: `apiserver/pkg/authentication/request/headerrequest`.
 */
import { type User, withAuthenticated } from '../user.ts'
import { RequestHeaders } from './request-headers.ts'

export interface FrontProxyOptions {
  /** PEM of the authority that signs the certificates of proxies, and of nothing else. */
  readonly ca: string
  /** Common names that may speak for others; empty: all. */
  readonly allowedNames: readonly string[]
}

/** As extension API servers are told to look for them, too. */
export const REMOTE_USER = 'X-Remote-User'
export const REMOTE_UID = 'X-Remote-Uid'
export const REMOTE_GROUP = 'X-Remote-Group'
export const REMOTE_EXTRA = 'X-Remote-Extra-'

const [userHeader, uidHeader, groupHeader, extraPrefix] = [REMOTE_USER, REMOTE_UID, REMOTE_GROUP, REMOTE_EXTRA].map(
  (name) => name.toLowerCase(),
) as [string, string, string, string]

export const maySpeakForOthers = ({ allowedNames }: FrontProxyOptions, commonName: string): boolean =>
  allowedNames.length === 0 || allowedNames.includes(commonName)

/** The user that the headers name, or undefined. The connection is one that is believed. */
export function remoteUser(rawHeaders: readonly string[]): User | undefined {
  const headers = new RequestHeaders(rawHeaders)
  const name = headers.first(userHeader)
  if (name === undefined) return undefined
  const uid = headers.first(uidHeader)
  return withAuthenticated({
    name,
    ...(uid !== undefined && { uid }),
    groups: headers.all(groupHeader).filter((group) => group !== ''),
    extra: Object.fromEntries(headers.withPrefix(extraPrefix)),
  })
}
