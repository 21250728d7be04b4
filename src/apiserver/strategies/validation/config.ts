/** ConfigMaps and Secrets. Upstream: `ValidateConfigMap`, `ValidateSecret`. */
import { own } from '#base/own.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Stored } from '../../registry/strategy.ts'
import { METADATA, type Path, type Problems, ROOT } from './check.ts'
import { configKey } from './formats.ts'
import { type Comparison, comparisons, immutable, type Rules } from './rules.ts'

const MAX_BYTES = 1 << 20
const DATA = ROOT.at('data')

type Entries = Readonly<Record<string, string>>

/** Bytes that base64 text stands for. */
function decodedBytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return (text.length / 4) * 3 - padding
}

/** Checks the keys; the answer is the size of the values. */
function checkEntries(entries: Entries, bytesOf: (value: string) => number, at: Path, to: Problems): number {
  let bytes = 0
  for (const key in entries) {
    to.each(at.key(key), key, configKey(key))
    bytes += bytesOf(entries[key]!)
  }
  return bytes
}

/** What is marked as immutable stays as it is, mark included. */
const marked =
  (...names: string[]): Comparison =>
  (object, old, to) => {
    if (!old.immutable) return
    const why = 'field is immutable when `immutable` is set'
    if (!object.immutable) to.forbidden(ROOT.at('immutable'), why)
    for (const name of names) if (!jsonEqual(object[name], old[name])) to.forbidden(ROOT.at(name), why)
  }

export const configMapRules: Rules = {
  valid: ({ data = {}, binaryData = {} }: Stored, _at, to) => {
    const bytes =
      checkEntries(data, Buffer.byteLength, DATA, to) +
      checkEntries(binaryData, decodedBytes, ROOT.at('binaryData'), to)
    for (const key in data) {
      if (key in binaryData) to.invalid(DATA.key(key), key, 'duplicate of key present in binaryData')
    }
    if (bytes > MAX_BYTES) to.tooLong(ROOT, MAX_BYTES)
  },
  update: marked('data', 'binaryData'),
}

const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
const REDACTED = '<secret contents redacted>'

/** Keys that a secret of a type has to have. */
const keysOf: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

function checkType({ type, data = {}, metadata }: Stored, to: Problems) {
  for (const key of own(keysOf, type) ?? []) if (data[key] === undefined) to.required(DATA.key(key))
  switch (type) {
    case 'kubernetes.io/service-account-token':
      if (!metadata.annotations?.[ACCOUNT_NAME]) to.required(METADATA.at('annotations').key(ACCOUNT_NAME))
      return
    case 'kubernetes.io/basic-auth':
      if (data.username === undefined && data.password === undefined) {
        to.required(DATA.key('username'))
        to.required(DATA.key('password'))
      }
      return
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) to.required(DATA.key('ssh-privatekey'))
      return
    case 'kubernetes.io/dockercfg':
    case 'kubernetes.io/dockerconfigjson': {
      const key = keysOf[type]![0]!
      if (data[key] !== undefined) checkJson(data[key], DATA.key(key), to)
    }
  }
}

function checkJson(base64: string, at: Path, to: Problems) {
  const text = Buffer.from(base64, 'base64').toString()
  try {
    const value: unknown = JSON.parse(text)
    if (value === null || (typeof value === 'object' && !Array.isArray(value))) return
    const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    to.invalid(at, REDACTED, `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`)
  } catch {
    to.invalid(at, REDACTED, text.trim() === '' ? 'unexpected end of JSON input' : 'invalid JSON')
  }
}

export const secretRules: Rules = {
  valid: (secret: Stored, _at, to) => {
    if (checkEntries(secret.data ?? {}, decodedBytes, DATA, to) > MAX_BYTES) to.tooLong(DATA, MAX_BYTES)
    checkType(secret, to)
  },
  update: comparisons(immutable('type'), marked('data')),
}
