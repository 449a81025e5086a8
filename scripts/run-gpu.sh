#!/usr/bin/env bash
# Tests and measures the WebGPU column on this machine, without a network. From the bundle's folder:
#
#   OUT=results ./run-gpu.sh [--software] [--max-items N] [compile] [test] [sweep] [variants]
#
# Steps run in this order, each under a time limit of its own, all together ten minutes (LIMIT_S: the same other limit for each); one
# that fails or hangs does not keep the next from running, and measurements stop in time with what they have. $OUT (default ./results) gets one JSON or log file a step, and summary.json.
# Exit code: 0 where every step passed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$PWD/results}
mkdir -p "$out"
software=
items=()
steps=()
while [ $# -gt 0 ]; do
  case $1 in
    --software) software=--software ;;
    --max-items) items=(--max-items "$2"); shift ;;
    compile | test | sweep | variants) steps+=("$1") ;;
    *) echo "run-gpu.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
[ ${#steps[@]} -eq 0 ] && steps=(compile test sweep variants)

# The host's Vulkan loader first, ours where it has none; a driver that containers mount where no loader looks.
if [ -n "$software" ]; then
  export VK_DRIVER_FILES=$here/vulkan/vk_swiftshader_icd.json LD_LIBRARY_PATH=$here/vulkan
else
  if ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
    export LD_LIBRARY_PATH=$here/vulkan${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
  if [ -z "${VK_DRIVER_FILES:-}" ] && ! ls /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json >/dev/null 2>&1; then
    for driver in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json /usr/local/share/vulkan/icd.d/nvidia_icd.json; do
      [ -f "$driver" ] && export VK_DRIVER_FILES=$driver
    done
  fi
fi
# Dawn and NVIDIA's driver keep compiled shaders there; a fresh folder makes the first compilation a cold one.
export HOME=${LANEWISE_HOME:-$(mktemp -d)}
export LANEWISE_NO_BUILD=1
node=$here/bin/node
cli=$here/app/dist/src/cli/main.js
nvidia-smi >"$out/nvidia-smi.txt" 2>&1 || rm -f "$out/nvidia-smi.txt"

failed=0
summary=
# run STEP FILE COMMAND…: standard output goes to FILE, the rest to STEP.log.
run() {
  local step=$1 file=$2 start=$SECONDS code
  shift 2
  echo "$step: $(date -u +%H:%M:%S), at most $limit s"
  timeout -k 10 "$limit" "$@" >"$out/$file" 2>"$out/$step.log"
  code=$?
  [ $code -ne 0 ] && failed=1
  echo "$step: exit code $code after $((SECONDS - start)) s"
  [ $code -ne 0 ] && tail -n 5 "$out/$step.log"
  summary="$summary${summary:+,}{\"step\":\"$step\",\"exitCode\":$code,\"seconds\":$((SECONDS - start)),\"limit\":$limit}"
  printf '{"revision":"%s","node":"%s","software":%s,"steps":[%s]}\n' "$(cat "$here/REVISION")" \
    "$("$node" --version)" "$([ -n "$software" ] && echo true || echo false)" "$summary" >"$out/summary.json"
}

for step in "${steps[@]}"; do
  case $step in
    compile) limit=140 ;;
    test) limit=110 ;;
    sweep) limit=150 ;;
    variants) limit=180 ;;
  esac
  limit=${LIMIT_S:-$limit}
  case $step in
    # Shaders first, cold and warm: a driver that cannot compile them in time shows here.
    compile) run compile compile.json "$node" "$cli" doctor --backend webgpu --compile-timeout $((limit - 20)) --json ;;
    test) run test test.txt env LANEWISE_COLUMN=webgpu "$node" "$here/app/scripts/test.mjs" webgpu/secp256k1 webgpu/digests webgpu/keccak webgpu/variants conformance ;;
    sweep) run sweep sweep.json "$node" "$cli" bench gpu $software "${items[@]}" --time-limit $((limit - 40)) --json ;;
    variants) run variants variants.json "$node" "$cli" bench gpu $software "${items[@]}" --time-limit $((limit - 40)) --variants --algorithm secp256k1-recover --json ;;
  esac
done
exit $failed
