import { expect, it } from 'vitest'
import { tolerates, toleratesTaint } from './tolerations.ts'

const taint = { key: 'k', value: '7', effect: 'NoExecute' }

it.each([
  [{ operator: 'Exists' }, true],
  [{ key: 'k', operator: 'Exists' }, true],
  [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }, false],
  [{ key: 'other', operator: 'Exists' }, false],
  [{ key: 'k', value: '7' }, true],
  [{ key: 'k', operator: 'Equal', value: '8' }, false],
  [{ operator: 'Equal', value: '7' }, true],
  [{ key: 'k', operator: 'Gt', value: '1' }, false],
] as const)('%j tolerates the taint: %s', (toleration, expected) => {
  expect(toleratesTaint(toleration, taint)).toBe(expected)
})

it('takes one toleration to tolerate a taint', () => {
  expect(tolerates([{ key: 'other', operator: 'Exists' }, { operator: 'Exists' }], taint)).toBe(true)
  expect(tolerates([], taint)).toBe(false)
  expect(tolerates(undefined, taint)).toBe(false)
})
