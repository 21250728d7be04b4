/**
 * Whether a server's certificate is for the name by which it is called. Stricter than Node by one rule: the common name
 * counts for nothing, as clients of webhooks and extension servers have had it since Go 1.15.
 */
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

export function checkServerName(host: string, certificate: PeerCertificate): Error | undefined {
  const { subjectaltname } = certificate
  if (subjectaltname === undefined) {
    return nameError('certificate relies on legacy Common Name field, use SANs instead')
  }
  if (!checkServerIdentity(host, certificate)) return undefined
  const names = subjectaltname.split(', ').map((name) => name.slice(name.indexOf(':') + 1))
  return nameError(`certificate is valid for ${names.join(', ')}, not ${host}`)
}

const nameError = (message: string) => Object.assign(new Error(message), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
