import { describe, expect, it } from 'vitest'
import { InvalidReferenceError, normalizeReference, parseReference } from './reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('image references', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['bitnami/redis:7', 'docker.io/bitnami/redis:7'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    ['localhost/x', 'localhost/x:latest'],
    ['localhost:5000/a/b_c:v1.2', 'localhost:5000/a/b_c:v1.2'],
    [`quay.io/a/b:v1@${digest}`, `quay.io/a/b@${digest}`],
    ['[::1]:5000/x', '[::1]:5000/x:latest'],
  ])('%s is %s', (text, full) => expect(normalizeReference(text)).toBe(full))

  it.each(['', 'a//b', 'A B', 'x:', 'x@sha256:12', 'x:-tag', 'quay.io/Upper', 'a/../b', '-x/y'])(
    '"%s" is no reference',
    (text) => {
      expect(() => parseReference(text)).toThrow(InvalidReferenceError)
    },
  )
})
