# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder volume driver: sparse files, exported over real iSCSI by tgt, without LVM, kernel modules or root.

Cinder's own drivers for iSCSI need LVM, and its tgt target needs the system's tgtd.
Settings, in the backend's section: volumes_dir, target_ip_address, target_port, target_prefix. The environment's
TGT_IPC_SOCKET says which tgtd. cinder-backup, which would need open-iscsi and root for that, gets the files themselves.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cinder import interface, utils
from cinder.common import constants
from cinder.image import image_utils
from cinder.volume import driver, volume_utils
from cinder.volume.targets import iscsi
from oslo_config import cfg
from oslo_utils import units

from bfv_sandbox.tgt import DISK_LUN, Tgtd

# Cinder looks at a fetched image as root, whatever the driver says (image_utils.fetch_verify_image), and asks sudo for it, which may not be here.
# The files are its own: env runs the command as it is.
utils.get_root_helper = lambda: "env"


class TgtTarget(iscsi.ISCSITarget):
    """Exports with CHAP. The names of the methods are those that Cinder's iSCSI target calls."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tgtd = Tgtd(os.environ["TGT_IPC_SOCKET"])

    def _get_target_and_lun(self, context, volume):
        return 0, DISK_LUN

    def _get_iscsi_target(self, context, vol_id):
        return 0

    def _get_target(self, iqn):
        return self.tgtd.targets().get(iqn)

    # Target numbers are chosen by looking at those in use.
    @utils.synchronized("bfv-sandbox-tgt", external=False)
    def create_iscsi_target(self, name, tid, lun, path, chap_auth=None, **kwargs):
        self.tgtd.export(name, path, chap_auth)
        # A part of the export's location that nobody reads. It must not change when tgtd is restarted.
        return 1

    def remove_iscsi_target(self, tid, lun, vol_id, vol_name, **kwargs):
        self.tgtd.withdraw(self.iscsi_target_prefix + vol_name)


@interface.volumedriver
class TgtFileDriver(driver.VolumeDriver):
    VERSION = "1.0.0"
    CI_WIKI_NAME = "none"

    def do_setup(self, context):
        self._folder = self.configuration.volumes_dir
        self._exports = TgtTarget(configuration=self.configuration, db=self.db, executor=self._execute)

    def check_for_setup_error(self):
        self._exports.tgtd.targets()

    @staticmethod
    def get_driver_options():
        return []

    def _path(self, name):
        return os.path.join(self._folder, name)

    def local_path(self, volume):
        return self._path(volume.name)

    # Volumes and snapshots

    def create_volume(self, volume):
        with open(self.local_path(volume), "wb") as file:
            file.truncate(volume.size * units.Gi)

    def delete_volume(self, volume):
        self._delete(volume.name)

    def extend_volume(self, volume, new_size):
        os.truncate(self.local_path(volume), new_size * units.Gi)

    def create_snapshot(self, snapshot):
        self._copy(snapshot.volume_name, snapshot.name, snapshot.volume_size)

    def delete_snapshot(self, snapshot):
        self._delete(snapshot.name)

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(snapshot.name, volume.name, volume.size)

    def revert_to_snapshot(self, context, volume, snapshot):
        self._copy(snapshot.name, volume.name, volume.size)

    def create_cloned_volume(self, volume, src_vref):
        self._copy(src_vref.name, volume.name, volume.size)

    def _copy(self, source, target, gibibytes):
        # A process of its own: copying inside this one would stop Cinder's green threads.
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", self._path(source), self._path(target)], check=True)
        os.truncate(self._path(target), gibibytes * units.Gi)

    def _delete(self, name):
        # It is gone already if an earlier delete was interrupted.
        Path(self._path(name)).unlink(missing_ok=True)

    # Images

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        return None, False

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        path = self.local_path(volume)
        image_utils.fetch_to_raw(context, image_service, image_id, path, "1M", size=volume.size, run_as_root=False)
        os.truncate(path, volume.size * units.Gi)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        volume_utils.upload_volume(context, image_service, image_meta, self.local_path(volume), volume, run_as_root=False)

    # Exports

    def ensure_export(self, context, volume):
        # tgtd forgets everything when it ends: called for each volume when cinder-volume starts.
        if volume.provider_location:
            self._exports.ensure_export(context, volume, self.local_path(volume))

    def create_export(self, context, volume, connector):
        export = self._exports.create_export(context, volume, self.local_path(volume))
        return {"provider_location": export["location"], "provider_auth": export["auth"]}

    def remove_export(self, context, volume):
        self._exports.remove_export(context, volume)

    def validate_connector(self, connector):
        return self._is_here(connector) or self._exports.validate_connector(connector)

    def initialize_connection(self, volume, connector):
        if self._is_here(connector):
            return {"driver_volume_type": "local", "data": {"device_path": self.local_path(volume)}}
        return self._exports.initialize_connection(volume, connector)

    def terminate_connection(self, volume, connector, **kwargs):
        if self._is_here(connector):
            # A restore opens the "device" as one opens a file, which empties it, and leaves out the zeros at its end.
            os.truncate(self.local_path(volume), volume.size * units.Gi)
        else:
            self._exports.terminate_connection(volume, connector, **kwargs)

    @staticmethod
    def _is_here(connector):
        """Whether os-brick made this connector for one of Cinder's own services: those of nodes name another os_type, or none."""
        return connector is not None and connector.get("os_type") == sys.platform and connector.get("ip") == cfg.CONF.my_ip

    def _update_volume_stats(self):
        disk = shutil.disk_usage(self._folder)
        self._stats = {
            "volume_backend_name": self.configuration.volume_backend_name,
            "vendor_name": "bfv.openstack",
            "driver_version": self.VERSION,
            "storage_protocol": constants.ISCSI,
            "pools": [
                {
                    "pool_name": self.configuration.volume_backend_name,
                    "total_capacity_gb": disk.total / units.Gi,
                    "free_capacity_gb": disk.free / units.Gi,
                    # The files are sparse and the test volumes nearly empty: their nominal sizes say nothing.
                    "provisioned_capacity_gb": 0,
                    "max_over_subscription_ratio": "1000.0",
                    "reserved_percentage": 0,
                    "thin_provisioning_support": True,
                    "thick_provisioning_support": False,
                    "multiattach": True,
                    "QoS_support": False,
                }
            ],
        }
