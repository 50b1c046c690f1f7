export DISTRO_NAME DIB_RELEASE EFI_BOOT_DIR DIB_LOCAL_IMAGE
export DIB_INIT_SYSTEM=systemd
if [ "$DISTRO_NAME" = debian ]; then
  export DIB_DISTRIBUTION_MIRROR=${DIB_DISTRIBUTION_MIRROR:-http://deb.debian.org/debian}
fi
