/** A failure that is not counted would be worse than no count. */
import { describe, expect, it } from 'vitest'
import { closingLine, countTests } from './test-report.mjs'

const test = (status, ...ancestorTitles) => ({ status, title: 't', ancestorTitles })
const file = (status, ...assertionResults) => ({ status, assertionResults })

describe('countTests', () => {
  it('counts tests by how they ended, and names the groups that were skipped', () => {
    const report = {
      testResults: [
        file('passed', test('passed', 'a'), test('skipped', 'b (needs root)', 'c'), test('pending', 'b (needs root)')),
        file('failed', test('failed', 'a'), test('todo')),
      ],
    }
    expect(countTests(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 3, skippedGroups: ['b (needs root)', 't'] })
  })

  it('counts a file that broke outside its tests', () => {
    expect(countTests({ testResults: [file('failed'), file('failed', test('passed'))] }, 1)).toMatchObject({
      passed: 1,
      failed: 2,
    })
  })

  it('counts a run that broke, report or not', () => {
    expect(countTests({ testResults: [file('passed', test('passed'))] }, 1)).toMatchObject({ passed: 1, failed: 1 })
    expect(countTests(undefined, null)).toMatchObject({ passed: 0, failed: 1 })
  })
})

describe('closingLine', () => {
  it('adds up', () => {
    const counts = { passed: 2, failed: 1, skipped: 0, skippedGroups: [] }
    expect(closingLine([counts, counts])).toBe('4 passed, 2 failed')
    expect(closingLine([counts, { ...counts, skipped: 3 }])).toBe('4 passed, 2 failed, 3 skipped')
  })
})
