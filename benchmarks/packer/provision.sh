#!/bin/bash
# Volumes, software, clone and smoke notebook: what notebake provisions, without its proofs.
set -euo pipefail
root=/opt/jupyter
user=ubuntu

# The blank disks, by their EBS links: the first becomes ext4, the second XFS.
prepare() {
    local device=$1 kind=$2 target=$3
    "mkfs.$kind" -q "$device"
    mkdir --parents "$target"
    echo "UUID=$(blkid --probe --match-tag UUID --output value "$device") $target $kind defaults,nofail 0 2" >> /etc/fstab
    mount "$device" "$target"
    chown "$user:" "$target"
}
blank=()
for link in /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol*; do
    [[ $link == *-part* ]] || blkid --probe "$link" > /dev/null || blank+=("$link")
done
prepare "${blank[0]}" ext4 /data
prepare "${blank[1]}" xfs /archive

install --directory --owner="$user" "$root"
sudo --preserve-env --user="$user" --set-home bash -euo pipefail << 'END'
root=/opt/jupyter
# uv by pip's own wheel, at a pinned version with its hashes.
wheel=$(ls /usr/share/python-wheels/pip-*.whl)
python3 "$wheel/pip" install --quiet --disable-pip-version-check --no-cache-dir --no-compile \
    --no-deps --only-binary :all: --require-hashes --target "$root/uv" \
    --requirement <(echo "$UV_REQUIREMENT")
export UV_CACHE_DIR=$root/cache UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
uv=$root/uv/bin/uv
"$uv" --quiet venv "$root/python"
"$uv" --quiet pip install --python "$root/python/bin/python" $PACKAGES
"$uv" --quiet venv "$root/papermill"
"$uv" --quiet pip install --python "$root/papermill/bin/python" 'papermill>=2.6,<3' ipykernel
rm --recursive "$root/cache"

cd
git clone --quiet "$REPOSITORY" ocean

# papermill has an environment of its own, and runs the image's kernel.
"$root/python/bin/python" -m ipykernel install --prefix "$root/python" --name image > /dev/null
cd "ocean/$(dirname "$NOTEBOOK")"
JUPYTER_PATH=$root/python/share/jupyter "$root/papermill/bin/papermill" --kernel image \
    --no-progress-bar "$(basename "$NOTEBOOK")" ~/executed.ipynb
END
echo "PATH=$root/python/bin:\$PATH" > /etc/profile.d/jupyter.sh
