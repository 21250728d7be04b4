/** The certificates of authorities, as webhooks' configurations have them. Upstream: `webhook.ValidateCABundle`. */
import { X509Certificate } from 'node:crypto'

/** What is wrong with a bundle (PEM in base64); undefined where it has a certificate that can be read. */
export function bundleProblem(bundle: string): string | undefined {
  const text = Buffer.from(bundle, 'base64').toString('latin1')
  if (text === '') return undefined
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const failed = 'unable to load root certificates: '
  if (blocks.length === 0) return `${failed}unable to parse bytes as PEM block`
  const isReadable = blocks.some((block) => {
    try {
      return new X509Certificate(block).subject !== undefined
    } catch {
      return false
    }
  })
  return isReadable ? undefined : `${failed}failed to parse certificate: x509: malformed certificate`
}
