import { afterEach, describe, expect, it } from 'vitest'
import { BOOTSTRAP_TOKEN_TYPE, msToExpiration, parseBootstrapToken, tokenOf } from '#api/core/v1/bootstrap-token.ts'
import type { Secret } from '#api/core/v1/config.ts'
import { configMaps, namespaces, secrets } from '#api/resources.ts'
import { FakeClock } from '#base/fake-clock.ts'
import { isSignedBy, signDetached } from '#machinery/detached-jws.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createBootstrapSigner } from './bootstrap-signer.ts'
import { createTokenCleaner } from './token-cleaner.ts'

const nowMs = Date.UTC(2026, 0, 1)
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** `abcdef.0123456789abcdef`, changed as the test needs it. */
function token(id: string, data: Record<string, string> = {}): Secret {
  const content = {
    'token-id': id,
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-signing': 'true',
    ...data,
  }
  return {
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: BOOTSTRAP_TOKEN_TYPE,
    data: Object.fromEntries(Object.entries(content).map(([key, value]) => [key, base64(value)])),
  } as unknown as Secret
}

describe('bootstrap tokens', () => {
  it('are two parts', () => {
    expect(parseBootstrapToken('abcdef.0123456789abcdef')).toEqual({ id: 'abcdef', secret: '0123456789abcdef' })
    for (const text of [
      '',
      'abcdef',
      'ABCDEF.0123456789abcdef',
      'abcdef.0123456789abcdef0',
      'abcdef.0123456789abcdef\n',
    ])
      expect(parseBootstrapToken(text)).toBeUndefined()
  })

  it('are good for what they say, until they expire', () => {
    expect(tokenOf(token('abcdef'), 'signing', nowMs)).toEqual({ id: 'abcdef', secret: '0123456789abcdef' })
    expect(tokenOf(token('abcdef'), 'authentication', nowMs)).toBeUndefined()
    expect(tokenOf(token('abcdef', { 'token-id': 'fedcba' }), 'signing', nowMs)).toBeUndefined()
    expect(tokenOf(token('abcdef', { 'token-secret': '' }), 'signing', nowMs)).toBeUndefined()
    expect(tokenOf({ ...token('abcdef'), type: 'Opaque' }, 'signing', nowMs)).toBeUndefined()
    for (const [expiration, leftMs] of [
      ['2026-01-01T00:00:01Z', 1000],
      ['2026-01-01T01:00:01+01:00', 1000],
      ['2026-01-01T00:00:00Z', 0],
      ['tomorrow', 0],
    ] as const) {
      expect(msToExpiration(token('abcdef', { expiration }), nowMs)).toBe(leftMs)
      expect(Boolean(tokenOf(token('abcdef', { expiration }), 'signing', nowMs))).toBe(leftMs > 0)
    }
    expect(msToExpiration(token('abcdef'), nowMs)).toBeUndefined()
  })
})

it('a signature without content is what others make of it', () => {
  const text = 'Hello from the other side. I must have called a thousand times.'
  expect(signDetached(text, 'joshua', 'my voice is my passcode')).toBe(
    'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
  )
  const signature = signDetached('content', 'john', 'secret')
  expect(isSignedBy('content', signature, 'john', 'secret')).toBe(true)
  expect(isSignedBy('Content', signature, 'john', 'secret')).toBe(false)
  expect(isSignedBy('content', signature, 'john', 'other')).toBe(false)
  expect(isSignedBy('content', `${signature}x`, 'john', 'secret')).toBe(false)
})

describe('controllers of bootstrap tokens', () => {
  let cluster: InProcessApi
  afterEach(() => cluster.close())

  async function start(clock?: FakeClock) {
    cluster = await startInProcessApi(clock ? { clock } : {})
    for (const name of ['kube-system', 'kube-public']) await cluster.client.create(namespaces, { metadata: { name } })
  }

  it('sign what tells machines about the cluster, and take the signature back with the token', async () => {
    await start()
    await createBootstrapSigner().start(cluster)
    const metadata = { name: 'cluster-info', namespace: 'kube-public' }
    await cluster.client.create(configMaps, { metadata, data: { kubeconfig: 'text', 'jws-kubeconfig-gone00': 'x' } })
    const infos = cluster.informers.for(configMaps)
    const until = (test: (data: Record<string, string>) => boolean) =>
      cluster.until(() => test(infos.get('kube-public', 'cluster-info')?.data ?? {}), [configMaps])
    await until((data) => Object.keys(data).length === 1)
    await cluster.client.create(secrets, token('abcdef'))
    await until((data) => 'jws-kubeconfig-abcdef' in data)
    const { data } = await cluster.client.get(configMaps, metadata)
    expect(isSignedBy('text', data!['jws-kubeconfig-abcdef']!, 'abcdef', '0123456789abcdef')).toBe(true)
    await cluster.client.patch(configMaps, metadata, { data: { kubeconfig: 'other' } })
    await until((now) => now['jws-kubeconfig-abcdef'] === signDetached('other', 'abcdef', '0123456789abcdef'))
    await cluster.client.delete(secrets, token('abcdef').metadata)
    await until((now) => Object.keys(now).length === 1)
  })

  it('remove a token when its time is up', async () => {
    const clock = new FakeClock(nowMs)
    await start(clock)
    await createTokenCleaner().start(cluster)
    await cluster.client.create(secrets, token('abcdef', { expiration: '2026-01-01T01:00:00Z' }))
    await cluster.client.create(secrets, token('forevr'))
    await cluster.client.create(secrets, token('broken', { expiration: 'never' }))
    const all = cluster.informers.for(secrets)
    await cluster.until(() => !all.get('kube-system', 'bootstrap-token-broken') && all.size === 2, [secrets])
    await clock.advance(59 * 60_000)
    expect(all.size).toBe(2)
    await clock.advance(61_000)
    await cluster.until(() => all.size === 1, [secrets])
    expect(all.list()[0]!.metadata.name).toBe('bootstrap-token-forevr')
  })
})
