import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { Authenticator, parseTokenFile, staticTokens } from './authenticator.ts'

describe('a file of tokens', () => {
  it('names a user with groups a line', () => {
    const text = `# who may do what
t1,ann,1,"readers, writers"
t2,bob,2,readers

t3,cem,3\r
t4,dan,`
    expect(parseTokenFile(text)).toEqual([
      { token: 't1', user: 'ann', uid: '1', groups: ['readers', 'writers'] },
      { token: 't2', user: 'bob', uid: '2', groups: ['readers'] },
      { token: 't3', user: 'cem', uid: '3', groups: [] },
      { token: 't4', user: 'dan', uid: '', groups: [] },
    ])
  })

  it.each(['t1', 't1,ann', ',ann,1', 't1,,1', 't1,ann,1,"a","b"', 't1,ann,1,"a'])('refuses the line %s', (line) => {
    expect(() => parseTokenFile(`ok,o,1\n${line}`)).toThrow('line 2 of the token file is not')
  })
})

describe('static tokens', () => {
  const tokens = staticTokens([{ token: 't', user: 'ann', uid: '1', groups: ['g'] }], 'here')
  const authenticator = new Authenticator({ tokens: [tokens], audience: 'here', clock: new FakeClock(0) })

  it('are good for this server only', async () => {
    const user = { name: 'ann', uid: '1', groups: ['g', 'system:authenticated'] }
    expect(await authenticator.reviewToken('t', [])).toEqual({ user, audiences: ['here'] })
    expect(await authenticator.reviewToken('t', ['elsewhere', 'here'])).toEqual({ user, audiences: ['here'] })
    await expect(authenticator.reviewToken('t', ['elsewhere'])).rejects.toMatchObject({ reason: 'Unauthorized' })
    await expect(authenticator.reviewToken('T', [])).rejects.toMatchObject({ reason: 'Unauthorized' })
  })
})
