/**
 * What the subresources that are connected to are asked with. They travel as query parameters; as objects they exist
 * only for admission.
 */
import { f, type Fields, Message } from '../../schema.ts'

const typeFields = {
  apiVersion: f.string(0, 'Group and version of this object.'),
  kind: f.string(0, 'Kind of this object.'),
}
const streams = {
  stdin: f.bool(1, 'Pass standard input to the container.'),
  stdout: f.bool(2, 'Pass on what the container prints.'),
  stderr: f.bool(3, 'Pass on what the container prints as errors.'),
  tty: f.bool(4, 'Give the process a terminal.'),
  container: f.string(5, 'Container that is meant; may be left out where there is only one.'),
}
const path = { path: f.string(1, 'Path that is asked for behind the proxy.') }

const options = <F extends Fields>(kind: string, doc: string, fields: F): Message<F & typeof typeFields> =>
  new Message(`core.v1.${kind}`, doc, { ...typeFields, ...fields }, { group: '', version: 'v1', kind })

export const PodExecOptions = options('PodExecOptions', 'How a command is run in a container.', {
  ...streams,
  command: f.list('string', 6, 'The command with its arguments; no shell is involved.'),
})
export const PodAttachOptions = options('PodAttachOptions', 'How a running container is attached to.', streams)
export const PodPortForwardOptions = options('PodPortForwardOptions', 'Which ports of a pod are forwarded.', {
  ports: f.list('int32', 1, 'Ports, for clients that use WebSocket.'),
})
export const PodProxyOptions = options('PodProxyOptions', 'What a pod is asked through the proxy.', path)
export const ServiceProxyOptions = options('ServiceProxyOptions', 'What a service is asked.', path)
export const NodeProxyOptions = options('NodeProxyOptions', 'What a node is asked through the proxy.', path)
