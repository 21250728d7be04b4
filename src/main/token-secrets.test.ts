import { describe, expect, it } from 'vitest'
import { secrets, serviceAccounts, tokenReviews } from '#api/resources.ts'
import { Cluster } from './cluster.ts'

const TIMEOUT_MS = 20_000

async function until<T>(ask: () => Promise<T>, isGood: (answer: T) => unknown): Promise<T> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS)
  for (;;) {
    const answer = await ask()
    if (isGood(answer)) return answer
    if (deadline.aborted) throw new Error(`waited in vain; last: ${JSON.stringify(answer)}`)
    await new Promise(setImmediate)
  }
}

describe('a token that is kept in a Secret', () => {
  it('is its account’s, for as long as the Secret holds it', async () => {
    await using cluster = await Cluster.start()
    const { client } = cluster
    const key = { namespace: 'default', name: 'robot' }
    const { metadata } = await client.create(serviceAccounts, { metadata: key })
    const annotations = { 'kubernetes.io/service-account.name': 'robot' }
    await client.create(secrets, { metadata: { ...key, annotations }, type: 'kubernetes.io/service-account-token' })
    const kept = await until(
      () => client.get(secrets, key),
      ({ data }) => data?.token,
    )
    const token = Buffer.from(kept.data!.token!, 'base64').toString()
    const review = async (audiences?: string[]) => {
      const spec = { token, ...(audiences && { audiences }) }
      return (await client.create(tokenReviews, { metadata: {}, spec } as never)).status!
    }
    expect(await review()).toEqual({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:default:robot',
        uid: metadata.uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      },
      audiences: ['https://kubernetes.default.svc.cluster.local'],
    })
    expect((await review(['elsewhere'])).authenticated).toBeUndefined()
    const used = 'kubernetes.io/legacy-token-last-used'
    await until(
      () => client.get(secrets, key),
      (secret) => secret.metadata.labels?.[used] === new Date().toISOString().slice(0, 10),
    )

    const marked = { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } } }
    await client.patch(secrets, key, marked)
    expect((await review()).authenticated).toBeUndefined()
    await client.patch(secrets, key, { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': null } } })
    expect((await review()).authenticated).toBe(true)
    await client.patch(secrets, key, { data: { token: Buffer.from('another').toString('base64') } })
    expect((await review()).authenticated).toBeUndefined()
    await client.patch(secrets, key, { data: { token: kept.data!.token } })
    expect((await review()).authenticated).toBe(true)
    await client.delete(secrets, key)
    expect((await review()).authenticated).toBeUndefined()
  })
})
