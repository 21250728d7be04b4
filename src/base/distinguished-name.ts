/**
 * Names of certificates' subjects (X.501): which attributes are kept, and how they are written. Attributes outside the
 * table are dropped on reading, and of several common names the last counts, so that what is signed says one thing only.
 */
import { objectId, sequence, set, utf8String } from './der.ts'
import { type DerReader, objectIdText, readWhole, stringText, TAG } from './der-reader.ts'

export interface DistinguishedName {
  readonly commonName: string
  /** One O attribute each; groups, for a client certificate. */
  readonly organizations: readonly string[]
  /** The other known attributes as type and value, in the order in which they are written. */
  readonly others?: readonly (readonly [OtherAttribute, string])[]
}

const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'

/** Those that come before the common name, and the serial number, which comes after it. */
const OTHERS = {
  country: '2.5.4.6',
  organizationalUnit: '2.5.4.11',
  locality: '2.5.4.7',
  province: '2.5.4.8',
  streetAddress: '2.5.4.9',
  postalCode: '2.5.4.17',
  serialNumber: '2.5.4.5',
} as const

export type OtherAttribute = keyof typeof OTHERS

const others = Object.entries(OTHERS) as [OtherAttribute, string][]

const attribute = (oid: string, text: string) => set(sequence(objectId(oid), utf8String(text)))

/** DER of a Name. */
export function encodeName({ commonName, organizations, others: more = [] }: DistinguishedName): Buffer {
  const of = (wanted: (name: OtherAttribute) => boolean) =>
    others
      .filter(([name]) => wanted(name))
      .flatMap(([name, oid]) => more.filter(([key]) => key === name).map(([, text]) => attribute(oid, text)))
  return sequence(
    ...of((name) => name === 'country'),
    ...organizations.map((organization) => attribute(ORGANIZATION, organization)),
    ...of((name) => name !== 'country' && name !== 'serialNumber'),
    ...(commonName === '' ? [] : [attribute(COMMON_NAME, commonName)]),
    ...of((name) => name === 'serialNumber'),
  )
}

/** Throws DerError. */
export function parseName(der: Buffer): DistinguishedName {
  let commonName = ''
  const organizations: string[] = []
  const more: [OtherAttribute, string][] = []
  for (const names = readWhole(der, TAG.sequence); !names.isAtEnd;) {
    for (const together = names.enter(TAG.set); !together.isAtEnd;) {
      const pair: DerReader = together.enter(TAG.sequence)
      const oid = objectIdText(pair.read(TAG.objectId))
      const value = pair.read()
      pair.end()
      const other = others.find(([, known]) => known === oid)?.[0]
      if (oid === COMMON_NAME) commonName = stringText(value)
      else if (oid === ORGANIZATION) organizations.push(stringText(value))
      else if (other) more.push([other, stringText(value)])
    }
  }
  return { commonName, organizations, ...(more.length > 0 && { others: more }) }
}
