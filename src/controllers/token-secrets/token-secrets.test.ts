import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { namespaces, secrets, serviceAccounts } from '#api/resources.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { TOKEN_TYPE } from './token-secret.ts'
import { createTokenSecretController } from './token-secret-controller.ts'

describe('the controller of token secrets', () => {
  const namespace = 'ns'
  const text = (data: Record<string, string> | undefined, key: string) =>
    Buffer.from(data?.[key] ?? '', 'base64').toString()
  let api: InProcessApi
  beforeEach(async () => {
    api = await startInProcessApi()
    await api.client.create(namespaces, { metadata: { name: namespace } })
    const sign = async ({ serviceaccount, secret }: { serviceaccount: { uid: string }; secret: { name: string } }) =>
      `${serviceaccount.uid}/${secret.name}`
    await createTokenSecretController({ sign }, 'CA').start(api)
  })
  afterEach(() => api.close())

  const account = (name: string) => api.client.create(serviceAccounts, { metadata: { namespace, name } })
  const tokenSecret = (name: string, of: string, data: Record<string, string> = {}) =>
    api.client.create(secrets, {
      metadata: { namespace, name, annotations: { 'kubernetes.io/service-account.name': of } },
      type: TOKEN_TYPE,
      data,
    })
  const seen = (name: string) => api.informers.for(secrets).get(namespace, name)
  const until = (test: () => unknown) => api.until(() => Boolean(test()), [secrets, serviceAccounts])

  it('fills them in, and once more when somebody empties them', async () => {
    const { metadata } = await account('robot')
    await tokenSecret('s', 'robot')
    await until(() => seen('s')?.data?.token)
    const filled = seen('s')!
    expect(text(filled.data, 'token')).toBe(`${metadata.uid}/s`)
    expect(text(filled.data, 'ca.crt')).toBe('CA')
    expect(text(filled.data, 'namespace')).toBe(namespace)
    expect(filled.metadata.annotations).toMatchObject({ 'kubernetes.io/service-account.uid': metadata.uid })
    await api.client.patch(secrets, { namespace, name: 's' }, { data: { token: null } })
    await until(() => seen('s')?.data?.token)
  })

  it('keeps a token that is there', async () => {
    await account('robot')
    await tokenSecret('s', 'robot', { token: Buffer.from('mine').toString('base64') })
    await until(() => seen('s')?.data?.['ca.crt'])
    expect(text(seen('s')!.data, 'token')).toBe('mine')
  })

  it('removes those of accounts that are gone, and the references to those that are gone', async () => {
    await account('robot')
    await tokenSecret('s', 'robot')
    await tokenSecret('t', 'robot')
    await until(() => seen('s')?.data?.token && seen('t')?.data?.token)
    const accounts = api.informers.for(serviceAccounts)
    await api.client.patch(
      serviceAccounts,
      { namespace, name: 'robot' },
      { secrets: [{ name: 's' }, { name: 'other' }] },
    )
    await until(() => accounts.get(namespace, 'robot')?.secrets)
    await api.client.delete(secrets, { namespace, name: 's' })
    await until(() => accounts.get(namespace, 'robot')?.secrets?.length === 1)
    await api.client.delete(serviceAccounts, { namespace, name: 'robot' })
    await until(() => !seen('t'))
    await tokenSecret('u', 'nobody')
    await until(() => !seen('u'))
  })

  it('leaves other secrets alone', async () => {
    await api.client.create(secrets, {
      metadata: { namespace, name: 'plain', annotations: { 'kubernetes.io/service-account.name': 'nobody' } },
    })
    await account('robot')
    await tokenSecret('s', 'robot')
    await until(() => seen('s')?.data?.token)
    expect(seen('plain')?.data).toBeUndefined()
  })
})
