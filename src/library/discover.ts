/** `consul-baton/discover`: lists of services. */
export type {ServiceDirectory} from '../discover/directory.js'
export {type OpenDirectoryOptions, openDirectory, readList} from '../discover/open.js'
export type {DiscoverFrom} from '../discover/source.js'
export type {Capability, DirectoryStatus, DiscoveredService} from '../discover/types.js'
