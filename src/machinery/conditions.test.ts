import { describe, expect, it } from 'vitest'
import { type Condition, conditionOf, withCondition, withoutCondition } from './conditions.ts'

describe('conditions', () => {
  const ready: Condition = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }

  it('keep the transition time while the status stays', () => {
    const next = withCondition([ready], { type: 'Ready', status: 'True', reason: 'Still' }, '2026-01-02T00:00:00Z')
    expect(next).toEqual([{ ...ready, reason: 'Still' }])
  })

  it('take the new time when the status changes', () => {
    const next = withCondition([ready], { type: 'Ready', status: 'False' }, '2026-01-02T00:00:00Z')
    expect(conditionOf(next, 'Ready')).toEqual({
      type: 'Ready',
      status: 'False',
      lastTransitionTime: '2026-01-02T00:00:00Z',
    })
  })

  it('are appended and removed by type', () => {
    const two = withCondition([ready], { type: 'Live', status: 'True' }, '2026-01-02T00:00:00Z')
    expect(two.map((c) => c.type)).toEqual(['Ready', 'Live'])
    expect(withoutCondition(two, 'Ready').map((c) => c.type)).toEqual(['Live'])
  })
})
