/** `jsonpatch.escapeKey(key)`: a key as part of a JSON Pointer (upstream: `apiserver/pkg/cel/library.JSONPatch`). */
import { declareFunction, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { STRING } from '../types.ts'

const escapeKey = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

export const jsonPatchLibrary: Library = {
  name: 'json patch',
  functions: [
    declareFunction('jsonpatch.escapeKey', overload('string_jsonpatch_escapeKey_string', [STRING], STRING, escapeKey)),
  ],
}
