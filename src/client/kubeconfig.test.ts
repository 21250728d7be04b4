import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { connectionOf, KubeconfigError, parseKubeconfig } from './kubeconfig.ts'

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
const base64 = (text: string) => Buffer.from(text).toString('base64')

const text = `
apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: c1
  cluster: { server: https://10.0.0.1:6443, certificate-authority: ca.pem }
users:
- name: cert
  user: { client-certificate-data: ${base64(pem)}, client-key: /keys/k.pem, as: jane, as-groups: [ops] }
- name: file
  user: { tokenFile: token }
- name: plugin
  user: { exec: { command: aws } }
- name: half
  user: { client-key: /keys/k.pem }
contexts:
- { name: dev, context: { cluster: c1, user: cert, namespace: web } }
- { name: token, context: { cluster: c1, user: file } }
- { name: cloud, context: { cluster: c1, user: plugin } }
- { name: torn, context: { cluster: nowhere, user: cert } }
- { name: half, context: { cluster: c1, user: half } }
`

function setUp(
  files: Record<string, string> = { '/home/.kube/ca.pem': pem, '/keys/k.pem': 'key', '/home/.kube/token': 't1\n' },
) {
  const clock = new FakeClock()
  const readFile = async (path: string) => {
    if (files[path] === undefined) throw new Error('no such file')
    return files[path]
  }
  const connect = (context?: string) =>
    connectionOf(parseKubeconfig(text), { context, path: '/home/.kube/config', readFile, clock })
  return { clock, connect, files }
}

describe('kubeconfig', () => {
  it('gives server, namespace and credentials of the current context', async () => {
    expect(await setUp().connect()).toEqual({
      namespace: 'web',
      connection: {
        server: 'https://10.0.0.1:6443',
        ca: pem,
        cert: pem,
        key: 'key',
        impersonate: { user: 'jane', groups: ['ops'] },
      },
    })
  })

  it('reads a token file again after a minute, and when a fresh token is asked for', async () => {
    const { clock, connect, files } = setUp()
    const { connection } = await connect('token')
    expect(await connection.token!(false)).toBe('t1')
    files['/home/.kube/token'] = 't2'
    expect(await connection.token!(false)).toBe('t1')
    expect(await connection.token!(true)).toBe('t2')
    files['/home/.kube/token'] = 't3'
    await clock.advance(60_000)
    expect(await connection.token!(false)).toBe('t3')
  })

  const wrong: [context: string | undefined, message: string][] = [
    ['nope', 'the kubeconfig has no context "nope"'],
    ['torn', 'context "torn": there is no cluster "nowhere"'],
    ['cloud', 'user "plugin": credentials by exec are not supported'],
    ['half', 'user "half": client-certificate and client-key come together or not at all'],
  ]
  it.each(wrong)('refuses context %s', async (context, message) => {
    await expect(setUp().connect(context)).rejects.toThrow(new KubeconfigError(message))
  })

  it('names the file that it cannot read', async () => {
    await expect(setUp({}).connect()).rejects.toThrow(
      'cannot read certificate-authority /home/.kube/ca.pem: no such file',
    )
  })

  it('refuses what is not a kubeconfig', () => {
    expect(() => parseKubeconfig('')).toThrow('the kubeconfig is empty')
    expect(() => parseKubeconfig('kind: Pod')).toThrow('the kubeconfig is of kind "Pod", not Config')
    expect(() => parseKubeconfig('users: [{}]')).toThrow('users[0] has no name')
  })
})
