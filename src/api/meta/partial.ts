/**
 * Objects of which only the metadata is sent, for clients that need no more: the garbage collector, metadata informers.
 * Both versions look the same in JSON; in protobuf their lists number their fields differently.
 */
import { f, message } from '../schema.ts'
import { ListMeta, ObjectMeta } from './v1.ts'

export const PartialObjectMetadata = message('meta.v1.PartialObjectMetadata', 'Any object, its metadata only.', {
  metadata: f.message(ObjectMeta, 1, 'Metadata of the object.'),
})

export const PartialObjectMetadataList = message('meta.v1.PartialObjectMetadataList', 'Many objects, metadata only.', {
  metadata: f.message(ListMeta, 1, 'Metadata of the list.'),
  items: f.list(PartialObjectMetadata, 2, 'The objects.').required(),
})

export const PartialObjectMetadataListV1Beta1 = message(
  'meta.v1beta1.PartialObjectMetadataList',
  'Many objects, metadata only.',
  {
    items: f.list(PartialObjectMetadata, 1, 'The objects.').required(),
    metadata: f.message(ListMeta, 2, 'Metadata of the list.'),
  },
)
