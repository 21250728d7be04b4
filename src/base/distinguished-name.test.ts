import { expect, it } from 'vitest'
import { objectId, sequence, set, utf8String } from './der.ts'
import { encodeName, parseName } from './distinguished-name.ts'

const attribute = (oid: string, text: string) => sequence(objectId(oid), utf8String(text))
const CN = '2.5.4.3'
const O = '2.5.4.10'

it('a name says one common name, the last, and all organizations, together or apart', () => {
  const name = sequence(
    set(attribute(CN, 'system:masters')),
    set(attribute(O, 'b'), attribute(O, 'a')),
    set(attribute(CN, 'harmless')),
    set(attribute(O, 'c')),
    set(attribute('0.9.2342.19200300.100.1.25', 'unknown')),
  )
  expect(parseName(name)).toEqual({ commonName: 'harmless', organizations: ['a', 'b', 'c'] })
  const again = encodeName(parseName(name))
  expect(again.includes('masters')).toBe(false)
  expect(parseName(again)).toEqual(parseName(name))
})

it('a name of organizations alone has no common name', () => {
  const name = { commonName: '', organizations: ['a'], others: [['serialNumber', '1']] as const }
  expect(parseName(encodeName(name))).toEqual(name)
})
