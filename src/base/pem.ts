/** PEM (RFC 7468): binary data as text between two lines that name it. */

export interface PemBlock {
  /** Such as `CERTIFICATE`. */
  readonly type: string
  readonly hasHeaders: boolean
  readonly bytes: Buffer
  /** As it was found, with both lines. */
  readonly text: string
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([^-]*)-----END \1-----/g

/** Every block of the text, in order; what stands between them is left out. */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([whole, type, body]) => {
    const hasHeaders = body!.includes(':')
    const base64 = hasHeaders ? body!.slice(body!.search(/\r?\n\r?\n/)) : body!
    return { type: type!, hasHeaders, bytes: Buffer.from(base64, 'base64'), text: whole }
  })
}

export function toPem(type: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${type}-----\n${lines}\n-----END ${type}-----\n`
}
