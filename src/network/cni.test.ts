import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { seededRandom } from '#base/random.ts'
import { CniError, createCniNetwork } from './cni.ts'
import { CniConfigError, parseCniConfig } from './cni-config.ts'
import { runCniPlugin } from './cni-plugin.ts'
import { RecordingHost } from './recording-host.ts'

let directory: string
const at = (name: string) => join(directory, name)
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cni-'))
  await mkdir(at('net.d'))
  await mkdir(at('bin'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const open = () =>
  createCniNetwork({
    host: new RecordingHost(),
    configDirectory: at('net.d'),
    pluginDirectories: [at('missing'), at('bin')],
    stateDirectory: at('state'),
    log: silentLog,
  })

const request = {
  sandboxId: 'abc',
  netnsPath: '/run/netns/abc',
  namespace: 'default',
  name: 'web',
  uid: 'u1',
  labels: {},
  annotations: {},
  portMappings: [{ protocol: 'tcp' as const, containerPort: 80, hostPort: 8080, hostIp: '' }],
  dns: { servers: [], searches: [], options: [] },
}

/** A plugin that writes down how it was called and answers with `answer`. */
async function plugin(name: string, answer: string, exitCode = 0) {
  const path = at(`bin/${name}`)
  const line = `printf '%s %s %s %s %s\\n' "$CNI_COMMAND" ${name} "$CNI_CONTAINERID" "$CNI_NETNS" "$CNI_IFNAME" >> ${at('calls')}`
  await writeFile(
    path,
    `#!/bin/sh\n${line}\ncat >> ${at(`${name}.input`)}\nprintf '%s' '${answer}'\nexit ${exitCode}\n`,
  )
  await chmod(path, 0o755)
}
const calls = async () => (await readFile(at('calls'), 'utf8')).trim().split('\n')
const inputs = async (name: string) =>
  (await readFile(at(`${name}.input`), 'utf8'))
    .split(/(?<=\})(?=\{)/)
    .map((text) => JSON.parse(text) as Record<string, unknown>)

const result = JSON.stringify({
  cniVersion: '1.0.0',
  interfaces: [{ name: 'cni0' }, { name: 'eth0', sandbox: '/run/netns/abc' }],
  ips: [
    { address: 'fd00::7/64', interface: 1 },
    { address: '10.1.0.7/24', interface: 1 },
    { address: '10.1.0.1/24', interface: 0 },
  ],
})
const chain = {
  cniVersion: '1.0.0',
  name: 'net',
  plugins: [{ type: 'main' }, { type: 'portmap', capabilities: { portMappings: true, bandwidth: true } }],
}

describe('the network by CNI', () => {
  beforeEach(async () => {
    await plugin('main', result)
    await plugin('portmap', result)
    await writeFile(at('net.d/10-net.conflist'), JSON.stringify(chain))
  })

  it('runs the chain forwards to add, backwards to delete', async () => {
    const network = open()
    expect(await network.status()).toEqual({ ready: true, reason: '', message: '' })
    expect(await network.setup(request)).toEqual({ ips: ['fd00::7', '10.1.0.7'], interfaceName: 'eth0' })
    await network.check(request)
    await network.teardown({ ...request, netnsPath: '' })
    await network.teardown(request)
    const rest = 'abc /run/netns/abc eth0'
    expect(await calls()).toEqual([
      `ADD main ${rest}`,
      `ADD portmap ${rest}`,
      `CHECK main ${rest}`,
      `CHECK portmap ${rest}`,
      'DEL portmap abc  eth0',
      'DEL main abc  eth0',
    ])
    const [add, , del] = await inputs('portmap')
    expect(add).toMatchObject({ name: 'net', cniVersion: '1.0.0', prevResult: JSON.parse(result) })
    expect(add!.runtimeConfig).toEqual({ portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] })
    expect(del).toMatchObject({ prevResult: JSON.parse(result), runtimeConfig: add!.runtimeConfig })
    expect((await inputs('main'))[0]!.runtimeConfig).toBeUndefined()
  })

  it('deletes by the configuration that it added with', async () => {
    await open().setup(request)
    await writeFile(at('net.d/10-net.conflist'), JSON.stringify({ ...chain, plugins: [{ type: 'other' }] }))
    await open().teardown(request)
    expect((await calls()).slice(-1)).toEqual(['DEL main abc /run/netns/abc eth0'])
  })

  it('undoes an addition that failed half-way', async () => {
    await plugin('portmap', JSON.stringify({ code: 11, msg: 'try again', details: 'later' }), 1)
    const network = open()
    const failure = await network.setup(request).catch((err: unknown) => err)
    expect(failure).toBeInstanceOf(CniError)
    expect(failure).toMatchObject({ plugin: 'portmap', code: 11, message: 'CNI plugin "portmap": try again; later' })
    await plugin('portmap', '')
    await network.teardown(request)
    expect((await calls()).slice(-1)).toEqual(['DEL main abc /run/netns/abc eth0'])
  })

  it('is not ready without configuration or plugins', async () => {
    await rm(at('bin/portmap'))
    expect((await open().status()).message).toContain('"portmap" is not in')
    await rm(at('net.d/10-net.conflist'))
    expect(await open().status()).toMatchObject({
      ready: false,
      message: expect.stringContaining('no CNI configuration'),
    })
  })

  it('takes the first usable file', async () => {
    await writeFile(at('net.d/00-broken.conflist'), '{')
    await writeFile(at('net.d/20-late.conf'), JSON.stringify({ cniVersion: '0.3.1', name: 'late', type: 'nothere' }))
    expect((await open().status()).ready).toBe(true)
  })
})

describe('a CNI configuration', () => {
  it('may be one plugin alone', () => {
    const config = parseCniConfig('{"cniVersion":"0.3.1","name":"n","type":"bridge"}', 'x.conf')
    expect(config.plugins.map((p) => p.type)).toEqual(['bridge'])
  })

  it('cannot name a program outside the plugin directories', () => {
    for (const type of ['../../bin/sh', '/bin/sh', '', '.x'])
      expect(() => parseCniConfig(JSON.stringify({ name: 'n', plugins: [{ type }] }), 'x'), type).toThrow(
        CniConfigError,
      )
    for (const text of ['[]', 'null', '{}', '{"name":"n","plugins":[]}', '{"name":"../n","type":"a"}'])
      expect(() => parseCniConfig(text, 'x'), text).toThrow(CniConfigError)
  })
})

describe('our bridge as a CNI plugin', () => {
  const run = (command: string, config: object, host = new RecordingHost(), env: object = {}) =>
    runCniPlugin({
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'abc',
        CNI_NETNS: '/run/netns/abc',
        CNI_IFNAME: 'eth0',
        CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web',
        ...env,
      },
      input: JSON.stringify({
        cniVersion: '1.0.0',
        name: 'n',
        type: 'rostrum-cni',
        stateDirectory: at('run'),
        ...config,
      }),
      host,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLog,
    })

  it('adds, and answers in the form of the version it was asked in', async () => {
    const added = await run('ADD', { podCidr: '10.9.0.0/24' })
    expect(added.exitCode).toBe(0)
    expect(JSON.parse(added.output)).toMatchObject({
      cniVersion: '1.0.0',
      interfaces: [{ name: 'eth0', sandbox: '/run/netns/abc' }],
      ips: [{ address: expect.stringMatching(/^10\.9\.0\.\d+\/24$/), interface: 0 }],
    })
    const older = await run('ADD', { podCidr: '10.9.0.0/24', cniVersion: '0.4.0' })
    expect(JSON.parse(older.output).ips[0]).toMatchObject({
      version: '4',
      address: JSON.parse(added.output).ips[0].address,
    })
    expect(await run('DEL', { podCidr: '10.9.0.0/24' }, undefined, { CNI_NETNS: '' })).toEqual({
      output: '',
      exitCode: 0,
    })
  })

  it('takes its range from the runtime', async () => {
    const { output } = await run('ADD', { runtimeConfig: { ipRanges: [[{ subnet: '10.8.0.0/24' }]] } })
    expect(JSON.parse(output).ips[0].address).toMatch(/^10\.8\.0\./)
  })

  it('says in the words of the specification what is wrong', async () => {
    const failure = async (...args: Parameters<typeof run>) => {
      const { output, exitCode } = await run(...args)
      expect(exitCode).toBe(1)
      return JSON.parse(output)
    }
    expect(await failure('ADD', { cniVersion: '9.0.0' })).toMatchObject({ code: 1 })
    expect(await failure('ADD', {}, undefined, { CNI_CONTAINERID: '../x' })).toMatchObject({ code: 4 })
    expect(await failure('ADD', { stateDirectory: 'relative' })).toMatchObject({ code: 7 })
    expect(await failure('ADD', {})).toMatchObject({ code: 100, msg: 'the node has no pod CIDR yet' })
    expect(await failure('CHECK', { podCidr: '10.9.0.0/24' })).toMatchObject({ code: 100 })
    const portMappings = [{ hostPort: 80, containerPort: 80 }]
    expect(await failure('ADD', { podCidr: '10.9.0.0/24', runtimeConfig: { portMappings } })).toMatchObject({
      msg: expect.stringContaining('need nftables'),
    })
    expect(JSON.parse((await run('VERSION', {})).output).supportedVersions).toContain('1.0.0')
  })
})
