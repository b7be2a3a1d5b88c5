// SPDX-License-Identifier: Apache-2.0

package backend

import "introspection/internal/fetch"

// A wheel is a file on a Python package index, pinned by its hash, and what of it is unpacked where.
type wheel struct {
	pkg, version string
	file         string // name in the index
	sha256       string // in hexadecimal
	size         int64  // bytes
	rules        []rule
}

// pin is what the wheel's file must be.
func (w wheel) pin() fetch.Pin {
	return fetch.Pin{Name: w.pkg + " " + w.version, SHA256: w.sha256, Size: w.size}
}

// A rule names a file of a wheel, or a tree of files (then both names end with "/"), and its place in the plugins' folder.
type rule struct{ from, to string }

const (
	cpuPlugin  = "pjrt_c_api_cpu_plugin.so"
	cudaPlugin = nvidiaDir + "/pjrt_c_api_cuda_plugin.so"
)

// cpuWheels holds XLA's CPU plugin as the LAMMPS-JAX project builds it: PJRT API 0.115, where go-xla v0.4.1 was made for
// 0.114.
var cpuWheels = []wheel{
	{
		pkg: "lammps-jax-pjrt-cpu", version: "0.11.2", size: 62_711_338,
		file:   "lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl",
		sha256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		rules:  []rule{{"lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", cpuPlugin}},
	},
}

// nvidiaRules puts the libraries of one of NVIDIA's wheels where the CUDA plugin looks for them, as go-xla does.
var nvidiaRules = []rule{{"nvidia/", nvidiaDir + "/"}}

// cudaWheels holds the CUDA plugin of jax-cuda13-pjrt and the wheels that jax-cuda13-plugin[with-cuda]==0.12.0.1 requires, in
// the highest versions that PyPI had in November 2026: what
//
//	uv pip compile --python-platform x86_64-manylinux_2_28 --generate-hashes
//
// answers for that requirement, less the two wheels (nvidia-cuda-crt, nvidia-cuda-cccl) that hold only headers.
var cudaWheels = []wheel{
	{
		pkg: "jax-cuda13-pjrt", version: "0.12.0.1", size: 134_922_808,
		file:   "jax_cuda13_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl",
		sha256: "5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90",
		rules:  []rule{{"jax_plugins/xla_cuda13/xla_cuda_plugin.so", cudaPlugin}},
	},
	{
		pkg: "nvidia-cublas", version: "13.10.0.20", size: 444_289_903,
		file:   "nvidia_cublas-13.10.0.20-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
		sha256: "dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cuda-cupti", version: "13.5.25", size: 12_592_974,
		file:   "nvidia_cuda_cupti-13.5.25-py3-none-manylinux_2_25_x86_64.whl",
		sha256: "9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cuda-nvcc", version: "13.5.37", size: 47_028_279,
		file:   "nvidia_cuda_nvcc-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
		sha256: "f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cuda-runtime", version: "13.5.37", size: 2_504_024,
		file:   "nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
		sha256: "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cudnn-cu13", version: "9.28.1.4", size: 516_817_937,
		file:   "nvidia_cudnn_cu13-9.28.1.4-py3-none-manylinux_2_27_x86_64.whl",
		sha256: "a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cufft", version: "12.5.0.14", size: 165_072_555,
		file:   "nvidia_cufft-12.5.0.14-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
		sha256: "b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cusolver", version: "12.4.1.2", size: 260_003_940,
		file:   "nvidia_cusolver-12.4.1.2-py3-none-manylinux_2_27_x86_64.whl",
		sha256: "b3b8e02fd2f2df869369af075dc3a179d43f6f7b85e94632a7dce556697be044",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cusparse", version: "12.9.4.2", size: 230_422_857,
		file:   "nvidia_cusparse-12.9.4.2-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
		sha256: "072667e58c851a318738f5527a12eb225cbf058803f2ea451c722d8cf8edddec",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-nccl-cu13", version: "2.32.3", size: 305_100_071,
		file:   "nvidia_nccl_cu13-2.32.3-py3-none-manylinux_2_27_x86_64.whl",
		sha256: "1459723080ac889d73a26edfa3e04383a7928ab31ac8f0ec43b3ea9548b04ff3",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-nvjitlink", version: "13.5.37", size: 46_642_491,
		file:   "nvidia_nvjitlink-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
		sha256: "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-cuda-nvrtc", version: "13.5.37", size: 58_185_930,
		file:   "nvidia_cuda_nvrtc-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
		sha256: "86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-nvshmem-cu13", version: "3.8.0", size: 182_092_449,
		file:   "nvidia_nvshmem_cu13-3.8.0-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
		sha256: "81a4d1f666543e6d34df6d2ff940c7da1435e34e186aab6f3c2b48861b64ef38",
		rules:  nvidiaRules,
	},
	{
		pkg: "nvidia-nvvm", version: "13.5.37", size: 75_141_406,
		file:   "nvidia_nvvm-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
		sha256: "c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070",
		rules:  nvidiaRules,
	},
}
