// Decides with policy.pt in C++, through libtorch alone.
//
//   T=$(python -c 'import torch, os; print(os.path.dirname(torch.__file__))')
//   g++ -std=c++20 -O2 consumer.cpp -I$T/include -I$T/include/torch/csrc/api/include
//       -L$T/lib -Wl,-rpath,$T/lib -ltorch -ltorch_cpu -lc10 -o consumer
//   ./consumer policy.pt candidates.bin N K D     (float32, row after row; prints an action a line)
#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <vector>

int main(int count, char** given) {
  if (count != 6) {
    std::cerr << "consumer POLICY.pt CANDIDATES.bin N K D\n";
    return 2;
  }
  const long n = std::atol(given[3]), k = std::atol(given[4]), d = std::atol(given[5]);
  std::vector<float> rows(n * k * d);
  std::ifstream file(given[2], std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(rows.data()), rows.size() * sizeof(float))) {
    std::cerr << given[2] << " holds fewer than N x K x D numbers\n";
    return 2;
  }
  at::set_num_threads(1);
  auto policy = torch::jit::load(given[1]);
  auto candidates = at::from_blob(rows.data(), {n, k, d}, at::kFloat);
  auto actions = policy.forward({candidates}).toTuple()->elements()[1].toTensor();
  for (long at = 0; at < n; ++at) std::cout << actions[at].item<int64_t>() << "\n";
}
