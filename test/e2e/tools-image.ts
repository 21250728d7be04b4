/** One image of this host's programs, with all that the tests of whole clusters run inside pods. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WholeCluster } from './whole-cluster.ts'

export const TOOLS = 'rostrum.test/tools:1'

const PROGRAMS = [
  '/bin/sh',
  '/bin/sleep',
  '/bin/cat',
  '/bin/ls',
  '/bin/tar',
  '/bin/grep',
  '/bin/sed',
  '/bin/date',
  '/bin/mkdir',
  '/bin/touch',
  '/bin/rm',
  '/bin/dd',
  '/bin/chmod',
  '/bin/hostname',
  '/bin/df',
  '/usr/bin/id',
  '/usr/bin/env',
  '/usr/bin/curl',
  '/usr/bin/getent',
  '/usr/bin/stat',
  '/usr/bin/seq',
  '/usr/bin/md5sum',
  '/usr/bin/head',
  '/usr/bin/tail',
  '/usr/bin/stty',
  '/usr/bin/readlink',
  '/usr/bin/sort',
]

/** Puts the image on every node. The programs are in the PATH of its containers; `node` is among them. */
export async function makeToolsImage(cluster: WholeCluster): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'rostrum-tools-'))
  try {
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text)
      return ['--file', `${join(dir, name)}:/etc/${name}`]
    }
    const made = await cluster.rostrum(
      'image from-host',
      TOOLS,
      ...PROGRAMS,
      process.execPath,
      ...file('nsswitch.conf', 'hosts: files dns\n'),
      ...file('passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'),
      ...file('group', 'root:x:0:\nnogroup:x:65534:\n'),
      '--cmd',
      '/bin/sh',
    )
    if (made.code !== 0) throw new Error(`cannot make the image: ${made.stderr}`)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** A pod of the image. `spec` and `container` are further lines of YAML in flow style, e.g. `hostNetwork: true`. */
export function toolsPod(
  name: string,
  {
    command = ['sleep', '100000'],
    container = '',
    spec = '',
  }: { command?: string[]; container?: string; spec?: string },
): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec: {
  terminationGracePeriodSeconds: 0,
  ${spec ? `${spec},` : ''}
  containers: [{ name: main, image: "${TOOLS}", imagePullPolicy: Never, command: ${JSON.stringify(command)}${container ? `, ${container}` : ''} }]
}
---
`
}
